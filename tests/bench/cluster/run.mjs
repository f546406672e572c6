// The benchmarks of a cluster: measures each scenario, several rounds, and writes the report.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from '../harness/machine.mjs';
import { rawOf, readOptions, stepsOf } from '../harness/options.mjs';
import { endAll, hasTwoCores } from '../harness/processes.mjs';
import { attempt } from '../harness/rounds.mjs';
import { plot } from '../report/plot.mjs';
import { isQuiet, othersCpu, summarise } from '../report/rows.mjs';
import { printSummary } from '../report/summary.mjs';
import { ClusterBench, FULL, QUICK } from './bench.mjs';
import { inputsOf } from './inputs.mjs';
import { locked } from './lock.mjs';
import { clusterMarkdown, clusterPanels } from './report.mjs';
import * as failover from './scenarios/failover.mjs';
import * as history from './scenarios/history.mjs';
import * as second from './scenarios/second.mjs';
import * as sends from './scenarios/sends.mjs';
import * as writers from './scenarios/writers.mjs';
import { Services } from './services.mjs';

const SCENARIOS = [second, sends, writers, failover, history];
const root = new URL('../../..', import.meta.url).pathname;

const HELP = `usage: tests/bench/cluster/run [--quick] [--only NAME,...] [--rounds N] [--messages N] [--lock FILE] [--output DIR]

  --quick        a smoke run of about a minute: small sizes, one round
  --only NAMES   only these: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds N     how often everything is measured (3)
  --messages N   how long the history is that channels are opened from (1,000,000)
  --lock FILE    hold an exclusive flock on FILE while measuring, a shared one while preparing
  --output DIR   where benchmarks-cluster.md, .svg and .json go (docs; the bench folder of the build
                 when not all was measured, or other programs kept the machine busy)

Programs come from $BUILD (build); parleyd from $PARLEYD. The database is the one of $PARLEY_TEST_MONGO, or a new one.
`;

// All rounds on one set of data, then the next: the one with the long history comes last.
async function measure(bench, scenarios, lock) {
    const measured = new Map(scenarios.map((scenario) => [scenario, []]));
    const worlds = new Map();
    for (const scenario of scenarios) {
        const world = scenario.world ?? 'base';
        worlds.set(world, [...(worlds.get(world) ?? []), scenario]);
    }
    for (const [world, own] of worlds) {
        await locked(lock, 'shared', () => bench.worlds.get(world));
        for (let round = 1; round <= bench.sizes.rounds; round++) {
            await locked(lock, 'exclusive', async () => {
                for (const scenario of own) measured.get(scenario).push(await attempt(bench, scenario, round));
            });
        }
    }
    return measured;
}

function writeReport(directory, { machine, sizes, raw, parts, others }) {
    const date = new Date().toISOString().slice(0, 10);
    const write = (suffix, text) => writeFileSync(join(directory, `benchmarks-cluster.${suffix}`), text);
    mkdirSync(directory, { recursive: true });
    write('md', clusterMarkdown({ machine, date, sizes, parts, others }));
    write('json', `${JSON.stringify({ machine, date, sizes, inputs: inputsOf(raw) }, null, 2)}\n`);
    const panels = clusterPanels(raw);
    if (panels.length > 0) write('svg', plot(panels, 'Durable sends: Parley beside Socket.IO, one node beside three'));
    console.log(`\nWritten: ${join(directory, 'benchmarks-cluster.md')}`);
}

const redisVersion = () => /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];

function databaseKind() {
    if (process.env.PARLEY_TEST_MONGO) return 'mongod';
    try {
        execFileSync('which', ['mongod']);
        return 'mongod';
    } catch {
        return 'FerretDB';
    }
}

async function run({ scenarios, sizes, complete, lock, output }) {
    const build = process.env.BUILD ?? join(root, 'build');
    const programs = {
        parleyd: process.env.PARLEYD ?? join(build, 'parleyd'),
        load: join(build, 'bench', 'load'),
    };
    const scratch = mkdtempSync(join(build, 'bench', 'cluster-'));
    process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
    const steps = stepsOf(scenarios, sizes);
    const services = await Services.start();
    try {
        const bench = new ClusterBench({ programs, sizes, scratch, services, steps });
        const machine = { ...describeMachine(programs), redis: redisVersion(), mongo: databaseKind() };
        const measured = await measure(bench, scenarios, lock);
        bench.progress.end();
        const parts = [...measured].map(([scenario, rounds]) => summarise(scenario, rounds, sizes));
        const raw = rawOf(measured);
        const others = othersCpu(raw);
        const inBuild = join(build, 'bench');
        printSummary(parts);
        if (sizes.people < FULL.people) console.log('\nA smoke run: too small for its verdicts to mean much.');
        const directory = output ?? (complete && isQuiet(others) ? join(root, 'docs') : inBuild);
        writeFileSync(join(inBuild, 'cluster-raw.json'), JSON.stringify({ machine, sizes, raw }, null, 1));
        writeReport(directory, { machine, sizes, raw, parts, others });
        return parts.some(({ faults }) => faults.length > 0) ? 1 : 0;
    } finally {
        await services.stop();
    }
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

try {
    const options = readOptions({
        help: HELP,
        scenarios: SCENARIOS,
        full: FULL,
        quick: QUICK,
        numbers: ['messages'],
        texts: ['lock'],
    });
    if (!hasTwoCores()) throw new Error('two processor cores are needed: one for the servers, one for the load');
    process.exitCode = await run(options);
} catch (error) {
    console.error(`bench-cluster: ${error.message}`);
    process.exitCode = 2;
}
