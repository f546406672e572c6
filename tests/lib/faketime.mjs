// A clock of its own for a process, by libfaketime: only what the calendar says is shifted, the monotonic clock is not.
//
//   start({ env: { ...faketime(), FAKETIME: "-2d" } })       // see faketime(1)
//   const clock = faketimeFile();                             // one that can be put forward while the process lives
//   start({ env: clock.env }); clock.set("+31m");
//   tidyFaketime(pid);                                        // after kill -9

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder } from "./parleyd.mjs";

/** What a process takes in its environment, beside FAKETIME. */
export function faketime() {
  const lib = "/usr/lib";
  const found = readdirSync(lib).map((folder) => join(lib, folder, "faketime", "libfaketimeMT.so.1")).find(existsSync);
  if (!found) throw new Error("libfaketime is not installed (scripts/packages)");
  return { LD_PRELOAD: found, FAKETIME_DONT_FAKE_MONOTONIC: "1", NO_FAKE_STAT: "1" };
}

export function faketimeFile() {
  const folder = temporaryFolder();
  const file = join(folder, "clock");
  const set = (time) => {
    writeFileSync(`${file}.new`, `${time}\n`);
    renameSync(`${file}.new`, file); // it is read at any moment
  };
  set("+0");
  return { set, env: { ...faketime(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" } };
}

/** What libfaketime would have removed itself if the end had been an orderly one. */
export function tidyFaketime(pid) {
  for (const name of ["faketime_shm_", "sem.faketime_sem_"]) rmSync(`/dev/shm/${name}${pid}`, { force: true });
}
