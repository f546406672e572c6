import { defineConfig } from "vite";

const PARLEY = process.env.PARLEY ?? "http://127.0.0.1:8080";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // `npm run dev`: the page comes from here, all else from Parley, which has to know this page's origin (--allowed-origins).
  server: { proxy: { "/api": PARLEY, "/socket.io": { target: PARLEY, ws: true } } },
});
