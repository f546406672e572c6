// One channel of all people, senders that never wait longer than they must: each of 100
// has a few messages under way and sends the next when one of its own comes back to it.
export const name = 'saturation';
export const title = 'Fan-out at saturation';
export const steps = 4;

const PUBLISHERS = 100;
const WINDOW = 5;
const SOCKETIO_RATIO_MIN = 15;
const DELIVERIES_MIN = 1_400_000; // Centrifugo 6.5 on this kind of machine

export async function run(bench) {
    const members = bench.sizes.people;
    const options = { members, publishers: PUBLISHERS, window: WINDOW, 'own-delivery': true };

    bench.progress.step('saturation: Parley');
    const parley = await bench.parley('hall', options);
    bench.progress.step('saturation: Socket.IO');
    const socketio = await bench.socketio(options);
    bench.progress.step('saturation: ws');
    const ws = await bench.ws(options);
    bench.progress.step('saturation: bare epoll');
    const bytes = Math.round(parley.bytes_per_delivery);
    const limit = await bench.limit({ ...options, 'text-bytes': bytes });
    return { parley, socketio, ws, limit };
}

export function figures(rounds, { members }) {
    const of = (server) => rounds.map((round) => round[server].delivered_per_s);
    return [
        {
            what: `Deliveries/s at saturation, ${members} members`,
            unit: '/s',
            values: of('parley'),
            target: { atLeast: DELIVERIES_MIN, why: 'Centrifugo' },
        },
        {
            what: '– beside Socket.IO',
            unit: '/s',
            values: of('parley'),
            beside: { name: 'Socket.IO', values: of('socketio') },
            target: { ratioAtLeast: SOCKETIO_RATIO_MIN },
        },
    ];
}
