import { openEmbeddedWorld } from "./embedded-world.ts";
import { engineContract } from "./engine-contract.ts";

engineContract({ name: "the embedded engine", open: openEmbeddedWorld });
