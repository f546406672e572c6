// What the kernel says about a process, and waiting for what has no event.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Resident memory in MiB. */
export function rssMiB(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

/** CPU time used so far, in seconds. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What BODY gives, and the highest resident memory meanwhile. */
export async function peakMiB(pid, body) {
  let peak = rssMiB(pid);
  const timer = setInterval(() => (peak = Math.max(peak, rssMiB(pid))), 50);
  try {
    const result = await body();
    return { peak: Math.max(peak, rssMiB(pid)), result };
  } finally {
    clearInterval(timer);
  }
}

/** Asks again and again until CONDITION() gives something. */
export async function eventually(what, condition, ms = 30_000, every = 20) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await sleep(every);
  }
}

/** The values of /metrics by name with labels: metrics(url)["parley_connections"]. */
export async function metrics(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(rows.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}
