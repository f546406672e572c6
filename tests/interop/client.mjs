#!/usr/bin/env node
// The client of conversation.mjs in Node: client.mjs <package> <arguments>...

import { once } from "node:events";
import { createRequire } from "node:module";
import { hold } from "./client.js";

const [name, ...args] = process.argv.slice(2);
const { io } = createRequire(import.meta.url)(name);
const go = once(process.stdin, "data");
await hold(io, args, (line) => console.log(line), () => go);
process.stdin.destroy();
