import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const source = (path) => fileURLToPath(new URL(`../clients/typescript/src/${path}`, import.meta.url));

/** Parley's own client package, from its sources: what is not used of it is left out. */
export const alias = {
  "@parley/client/state": source("state/index.ts"),
  "@parley/client": source("index.ts"),
};

export default defineConfig({
  resolve: { alias },
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
