// Parley beside Socket.IO and Express: measures each scenario, several rounds, and writes the report.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bench } from '../harness/bench.mjs';
import { describeMachine } from '../harness/machine.mjs';
import { rawOf, readOptions, stepsOf } from '../harness/options.mjs';
import { endAll, hasTwoCores } from '../harness/processes.mjs';
import { measure } from '../harness/rounds.mjs';
import { plot } from '../report/plot.mjs';
import { isQuiet, othersCpu, summarise } from '../report/rows.mjs';
import { printSummary } from '../report/summary.mjs';
import { FULL, QUICK } from './bench.mjs';
import { socketioFigures, socketioMarkdown, socketioPanels } from './report.mjs';
import * as fanout from './scenarios/fanout.mjs';
import * as http from './scenarios/http.mjs';
import * as idle from './scenarios/idle.mjs';
import * as polling from './scenarios/polling.mjs';

const SCENARIOS = [fanout, polling, idle, http];
const root = new URL('../../..', import.meta.url).pathname;

const HELP = `usage: tests/bench/socketio/run [--quick] [--only NAME,...] [--rounds N] [--output DIR]

  --quick        a smoke run of about a minute: small sizes, one round
  --only NAMES   only these: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds N     how often everything is measured (3)
  --output DIR   where benchmarks-socketio.md, .svg and .json go (docs; the bench folder of the build
                 when not all was measured, or other programs kept the machine busy)

Programs come from $BUILD (build); parleyd from $PARLEYD.
`;

function writeReport(directory, { machine, sizes, raw, parts, others }) {
    const date = new Date().toISOString().slice(0, 10);
    const write = (suffix, text) => writeFileSync(join(directory, `benchmarks-socketio.${suffix}`), text);
    mkdirSync(directory, { recursive: true });
    write('md', socketioMarkdown({ machine, date, sizes, parts, others }));
    write('json', `${JSON.stringify({ machine, date, sizes, figures: socketioFigures(parts) }, null, 2)}\n`);
    const panels = socketioPanels(raw);
    if (panels.length > 0) write('svg', plot(panels, 'Parley beside Socket.IO and Express'));
    console.log(`\nWritten: ${join(directory, 'benchmarks-socketio.md')}`);
}

async function run({ scenarios, sizes, complete, output }) {
    const build = process.env.BUILD ?? join(root, 'build');
    const inBuild = join(build, 'bench');
    const programs = {
        parleyd: process.env.PARLEYD ?? join(build, 'parleyd'),
        load: join(inBuild, 'load'),
    };
    const scratch = mkdtempSync(join(inBuild, 'socketio-')); // on a disk: /tmp may be memory
    process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
    const bench = new Bench({ programs, sizes, scratch, steps: stepsOf(scenarios, sizes) });
    const machine = describeMachine(programs);
    const measured = await measure(bench, scenarios);
    bench.progress.end();
    const parts = [...measured].map(([scenario, rounds]) => summarise(scenario, rounds, sizes));
    const raw = rawOf(measured);
    const others = othersCpu(raw);
    printSummary(parts);
    if (sizes.people < FULL.people) console.log('\nA smoke run: too small for its verdicts to mean much.');
    if (!isQuiet(others)) console.log(`\nOther programs kept ${others.toFixed(1)} processors busy: not fit for docs/.`);
    const directory = output ?? (complete && isQuiet(others) ? join(root, 'docs') : inBuild);
    writeFileSync(join(inBuild, 'socketio-raw.json'), JSON.stringify({ machine, sizes, raw }, null, 1));
    writeReport(directory, { machine, sizes, raw, parts, others });
    return parts.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

try {
    const options = readOptions({ help: HELP, scenarios: SCENARIOS, full: FULL, quick: QUICK });
    if (!hasTwoCores()) throw new Error('two processor cores are needed: one for the server, one for the load');
    process.exitCode = await run(options);
} catch (error) {
    console.error(`bench-socketio: ${error.message}`);
    process.exitCode = 2;
}
