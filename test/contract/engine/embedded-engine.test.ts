import { startEmbeddedProcess } from "./embedded-process.ts";
import { openEmbeddedWorld } from "./embedded-world.ts";
import { engineContract } from "./engine-contract.ts";
import { engineProcessContract } from "./process-contract.ts";

engineContract({ name: "the embedded engine", open: openEmbeddedWorld });
engineProcessContract({ name: "the embedded engine", start: startEmbeddedProcess });
