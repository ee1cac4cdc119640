/** Trained weights are bundled as text. */
declare module "*.weights" {
  const text: string;
  export default text;
}
