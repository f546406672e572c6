// parleyd is killed in mid-sentence and started again while everybody comes back at once.
import { setTimeout as delay } from 'node:timers/promises';
import { Parley } from '../harness/parley.mjs';
import { Load } from '../harness/processes.mjs';

export const name = 'storm';
export const title = 'Reconnect storm';
export const steps = 1;

const RATE = 20; // messages/s, each to everybody
const TALK_MS = 1000; // before the end comes
const RESUME_S_MAX = 5;

export async function run(bench) {
    const members = bench.sizes.connections;
    bench.progress.step(`kill -9 with ${members} connections`);
    const data = await bench.worlds.copy('base');
    let parley = await Parley.start(bench.programs.parleyd, data);
    const load = new Load(bench.programs.load, 'resume', {
        port: parley.port,
        people: bench.worlds.people('hall'),
        members,
        sources: 16,
        rate: RATE,
    });
    try {
        await load.phase('ready');
        const { port } = parley;
        await delay(TALK_MS);
        await parley.stop('SIGKILL');
        parley = await Parley.start(bench.programs.parleyd, data, { port });
        const result = await load.result();
        const listened = Number(parley.server.listenedNs);
        return { ...result, resumeSeconds: (result.resumed_ns - listened) / 1e9 };
    } finally {
        await parley.stop();
        await bench.worlds.dispose(data);
    }
}

export function figures(rounds, { connections }) {
    const count = connections.toLocaleString('en-US');
    return [
        {
            what: `From the listen after kill -9 until all ${count} have resumed`,
            unit: 's',
            values: rounds.map(({ resumeSeconds }) => resumeSeconds),
            target: { atMost: RESUME_S_MAX },
        },
        {
            what: `Members of ${count} with a hole, a repeat or a lost place afterwards`,
            unit: '',
            values: rounds.map(({ gaps, repeats, displaced }) => gaps + repeats + displaced),
            target: { atMost: 0 },
        },
    ];
}
