// Signed in and silent: what does a connection hold on to, and the process without any?
export const name = 'idle';
export const title = 'Memory';
export const steps = 1;

const KB_PER_CONNECTION_MAX = 4;
const IDLE_MB_MAX = 15;

export async function run(bench) {
    const members = bench.sizes.connections;
    bench.progress.step(`memory of ${members} idle connections`);
    return bench.withParley('base', (parley) =>
        bench.load(
            parley,
            { people: bench.worlds.people('hall'), members, sources: 16, warm: 2, seconds: 3 },
            'idle',
        ),
    );
}

export function figures(rounds, { connections }) {
    return [
        {
            what: `User memory of an idle signed-in connection, at ${connections.toLocaleString('en-US')}`,
            unit: 'KB',
            values: rounds.map((round) => round.kb_per_connection),
            target: { atMost: KB_PER_CONNECTION_MAX },
        },
        {
            what: 'Resident memory of the process without connections, shared libraries included',
            unit: 'MB',
            values: rounds.map((round) => round.before_kb.rss / 1024),
            target: { atMost: IDLE_MB_MAX },
        },
    ];
}
