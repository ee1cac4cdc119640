/** CPU and wall time of tasks in this process. */

export interface Measured {
  /** CPU of the whole process per task, in milliseconds. */
  readonly cpuMs: number;
  /** Time per task as the clock has it, in milliseconds: less than a task takes when several run at once. */
  readonly wallMs: number;
}

export async function measure(count: number, parallel: number, run: () => Promise<unknown>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  let begun = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (begun < count) {
        begun += 1;
        await run();
      }
    }),
  );
  const used = process.cpuUsage(cpu);
  return { cpuMs: (used.user + used.system) / 1000 / count, wallMs: (performance.now() - started) / count };
}

export function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? 0;
}

export function print(title: string, figures: Readonly<Record<string, number>>): void {
  process.stdout.write(
    `${title}\n${Object.entries(figures)
      .map(([name, value]) => `  ${name.padEnd(38)} ${value.toFixed(2)}`)
      .join("\n")}\n`,
  );
}
