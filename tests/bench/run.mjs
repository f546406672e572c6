// The benchmarks: measures every scenario in turn, several rounds, and writes the report.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bench, FULL, QUICK } from './harness/bench.mjs';
import { describeMachine } from './harness/machine.mjs';
import { rawOf, readOptions, stepsOf } from './harness/options.mjs';
import { endAll, hasTwoCores } from './harness/processes.mjs';
import { measure } from './harness/rounds.mjs';
import { markdown } from './report/markdown.mjs';
import { panelsOf } from './report/panels.mjs';
import { plot } from './report/plot.mjs';
import { isQuiet, othersCpu, summarise } from './report/rows.mjs';
import { printSummary } from './report/summary.mjs';
import * as fanout from './scenarios/fanout.mjs';
import * as history from './scenarios/history.mjs';
import * as idle from './scenarios/idle.mjs';
import * as latency from './scenarios/latency.mjs';
import * as saturation from './scenarios/saturation.mjs';
import * as scaling from './scenarios/scaling.mjs';
import * as sends from './scenarios/sends.mjs';
import * as storm from './scenarios/storm.mjs';

const SCENARIOS = [fanout, latency, saturation, sends, idle, history, storm, scaling];
const root = new URL('../..', import.meta.url).pathname;

const HELP = `usage: tests/bench/run [--quick] [--only NAME,...] [--rounds N] [--output DIR]

  --quick        a smoke run of about a minute: small sizes, one round
  --only NAMES   only these: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds N     how often everything is measured (3)
  --output DIR   where benchmarks.md and .svg go (docs; the bench folder of the build
                 when not all was measured, or other programs kept the machine busy)

Programs come from $BUILD (build); parleyd from $PARLEYD.
`;

function programs(build) {
    const built = (name) => join(build, 'bench', name);
    return {
        parleyd: process.env.PARLEYD ?? join(build, 'parleyd'),
        load: built('load'),
        limit: built('limit'),
        sqlite_loop: built('sqlite_loop'),
    };
}

function writeReport(directory, bench, machine, measured, parts, others) {
    const date = new Date().toISOString().slice(0, 10);
    const write = (name, text) => writeFileSync(join(directory, name), text);
    mkdirSync(directory, { recursive: true });
    write('benchmarks.md', markdown({ machine, date, sizes: bench.sizes, parts, others }));
    const drawn = (measured.get(saturation) ?? []).filter((round) => !round.failure);
    if (drawn.length > 0) {
        const panels = panelsOf(drawn, bench.sizes);
        write('benchmarks.svg', plot(panels, 'Parley beside Socket.IO, ws and a bare epoll server'));
    }
    console.log(`\nWritten: ${join(directory, 'benchmarks.md')}`);
}

async function main() {
    const { scenarios, sizes, complete, output } = readOptions({ help: HELP, scenarios: SCENARIOS, full: FULL, quick: QUICK });
    if (!hasTwoCores()) throw new Error('two processor cores are needed: one for the server, one for the load');
    const build = process.env.BUILD ?? join(root, 'build');
    const scratch = mkdtempSync(join(build, 'bench', 'data-')); // on a disk: /tmp may be memory
    process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
    const bench = new Bench({ programs: programs(build), sizes, scratch, steps: stepsOf(scenarios, sizes) });
    const machine = describeMachine(bench.programs);
    const measured = await measure(bench, scenarios);
    bench.progress.end();
    const parts = [...measured].map(([scenario, rounds]) => summarise(scenario, rounds, sizes));
    const raw = rawOf(measured);
    const others = othersCpu(raw);
    printSummary(parts);
    if (sizes.people < FULL.people) {
        console.log('\nA smoke run: too small for its verdicts to mean much.');
    }
    if (!isQuiet(others)) {
        console.log(`\nOther programs kept ${others.toFixed(1)} processors busy: not fit for docs/.`);
    }
    const inBuild = join(build, 'bench');
    const fitForDocs = complete && isQuiet(others);
    const directory = output ?? (fitForDocs ? join(root, 'docs') : inBuild);
    writeFileSync(join(inBuild, 'benchmarks.json'), JSON.stringify({ machine, sizes, raw }, null, 1));
    writeReport(directory, bench, machine, measured, parts, others);
    process.exitCode = parts.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

main().catch((error) => {
    console.error(`bench: ${error.message}`);
    process.exitCode = 2;
});
