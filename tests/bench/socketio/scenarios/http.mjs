// Commands over keep-alive HTTP, as fast as they are answered and at half of that; beside Express
// with the same handlers.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'http';
export const title = 'Commands over HTTP';
export const steps = 8;

const CONNECTIONS = 32;
const HISTORY_MIN = 15_000;
const SMALL_MIN = 20_000;
const P99_MS_MAX = 5;

const COMMANDS = { 'http-history': 'message.history (50 messages)', 'http-user': 'user.get' };

export async function run(bench) {
    const { people, soloists, messages } = bench.sizes;
    const peopleFile = bench.worlds.people('teams');
    const measure = async (server, label) => {
        const results = {};
        for (const dialect of Object.keys(COMMANDS)) {
            const options = { people: peopleFile, dialect, members: CONNECTIONS };
            bench.progress.step(`${COMMANDS[dialect]}: ${label}`);
            const most = await bench.load(server, options, 'http');
            const rate = Math.round(most.answered_per_s / 2);
            bench.progress.step(`${COMMANDS[dialect]}, ${rate}/s: ${label}`);
            results[dialect] = { most, half: await bench.load(server, { ...options, rate }, 'http') };
        }
        return results;
    };
    const parley = await bench.withParley('history', (server) => measure(server, 'Parley'));
    const perChannel = Math.round(messages / (soloists / 10));
    const express = await bench.withExpress([peopleFile, people, perChannel], (server) => measure(server, 'Express'));
    return { parley, express };
}

export function figures(rounds) {
    return Object.entries(COMMANDS).flatMap(([dialect, command]) => {
        const of = (server) => rounds.map((round) => round[server][dialect].most.answered_per_s);
        const half = median(rounds.map((round) => round.parley[dialect].half.answered_per_s));
        return [
            {
                what: `${command} a second, one core, keep-alive`,
                unit: '/s',
                values: of('parley'),
                beside: { name: 'Express', values: of('express') },
                target: { atLeast: dialect === 'http-history' ? HISTORY_MIN : SMALL_MIN },
            },
            {
                what: `– p99 at half of that (${readable(half)}/s)`,
                unit: 'ms',
                values: rounds.map((round) => round.parley[dialect].half.answer_ms.p99),
                target: { atMost: P99_MS_MAX },
            },
        ];
    });
}

export function table(rounds) {
    const rows = Object.entries(COMMANDS).flatMap(([dialect, command]) =>
        ['parley', 'express'].map((server) => {
            const of = (pick) => readable(median(rounds.map((round) => pick(round[server][dialect]))));
            return [
                server === 'parley' ? 'Parley' : 'Express',
                command,
                of(({ most }) => most.answered_per_s),
                of(({ most }) => most.cpu_us_per_request),
                of(({ most }) => most.bytes_per_answer),
                of(({ half }) => half.answered_per_s),
                of(({ half }) => half.answer_ms.p50),
                of(({ half }) => half.answer_ms.p99),
                of(({ half }) => half.answer_ms.max),
            ];
        }),
    );
    return {
        head: ['Server', 'command', 'most/s', 'µs each', 'bytes each', 'half load/s', 'p50 ms', 'p99 ms', 'max ms'],
        rows,
    };
}
