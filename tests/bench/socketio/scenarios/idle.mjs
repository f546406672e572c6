// Signed in over a WebSocket and silent: what does a Socket.IO connection hold on to?
export const name = 'idle';
export const title = 'Memory of idle WebSocket members';
export const steps = 2;

const KB_MAX = 6;

export async function run(bench) {
    const members = bench.sizes.connections;
    const options = { members, sources: 16, warm: 2, seconds: 2 };

    bench.progress.step(`memory of ${members} idle connections: Parley`);
    const parley = await bench.withParley('base', (server) =>
        bench.load(
            server,
            { ...options, dialect: 'parley-socketio', people: bench.worlds.people('hall') },
            'idle',
        ),
    );
    bench.progress.step(`memory of ${members} idle connections: Socket.IO`);
    const socketio = await bench.socketio(options, { mode: 'idle' });
    return { parley, socketio };
}

export function figures(rounds, { connections }) {
    const of = (server) => rounds.map((round) => round[server].kb_per_connection);
    return [
        {
            what: `User memory of an idle signed-in connection, at ${connections.toLocaleString('en-US')}`,
            unit: 'KB',
            values: of('parley'),
            beside: { name: 'Socket.IO', values: of('socketio') },
            target: { atMost: KB_MAX },
        },
    ];
}
