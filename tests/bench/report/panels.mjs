// Which figures are drawn.
import { median, readable } from '../harness/numbers.mjs';

const NAMES = { parley: 'Parley', limit: 'bare epoll', socketio: 'Socket.IO', ws: 'ws' };

function bars(values, text) {
    return Object.entries(values).map(([server, value]) => ({
        name: NAMES[server],
        value,
        text: text(value),
        own: server === 'parley',
    }));
}

const perServer = (rounds, pick) =>
    Object.fromEntries(
        ['parley', 'socketio', 'ws', 'limit'].map((server) => [
            server,
            median(rounds.map((round) => pick(round[server]))),
        ]),
    );

export function panelsOf(saturation, { people }) {
    const deliveries = perServer(saturation, (run) => run.delivered_per_s);
    const cpu = perServer(saturation, (run) => run.cpu_us_per_delivery);
    const members = readable(people);
    return [
        {
            title: 'Deliveries per second at saturation (more is better)',
            note: `${members} members in one channel, server on one core; only Parley signs in and stores`,
            bars: bars(deliveries, (value) => `${readable(Number(value.toPrecision(3)))}/s`),
        },
        {
            title: 'CPU per delivery at saturation (less is better)',
            note: 'User and system time of the server process, microseconds',
            bars: bars(cpu, (value) => `${readable(value)} µs`),
        },
    ];
}
