// The data sets that are measured. Each is made once through the public API, then
// copied for every measurement, so that all rounds begin alike.
import { cp, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from './numbers.mjs';
import { Parley } from './parley.mjs';
import { Load } from './processes.mjs';

const PASSWORD = 'a password for the benchmarks';
const WIDTH = 32; // requests under way at once
const FILL_WINDOW = 100; // messages under way in each channel
export const TEAM = 10;

// The admin socket stays behind.
const copyData = (from, to) =>
    cp(from, to, {
        recursive: true,
        filter: async (source) => !(await lstat(source)).isSocket(),
    });

export class Worlds {
    constructor(bench) {
        this.bench = bench;
        this.made = new Map();
        this.copies = 0;
    }

    path(name) {
        return join(this.bench.scratch, name);
    }

    // The files with the people of a world: a line each, token and channel.
    people(name) {
        return this.path(`${name}.people`);
    }

    async writePeople(name, people) {
        const lines = people.map(({ token, channel }) => `${token} ${channel}\n`);
        await writeFile(this.people(name), lines.join(''));
    }

    // A fresh copy of the world NAME, made now if it was not yet.
    async copy(name) {
        await this.get(name);
        const target = this.path(`copy-${++this.copies}`);
        await copyData(this.path(name), target);
        return target;
    }

    async get(name) {
        if (!this.made.has(name)) this.made.set(name, this[name]());
        await this.made.get(name);
        return this.path(name);
    }

    async dispose(path) {
        await rm(path, { recursive: true, force: true });
    }

    // Start parleyd on PATH, let FILL work on it, stop it properly.
    async fill(path, fill) {
        const parley = await Parley.start(this.bench.programs.parleyd, path, {
            free: true,
            settings: { PARLEY_PASSWORD_THREADS: '2' },
        });
        try {
            await fill(parley);
        } finally {
            await parley.stop();
        }
    }

    // N accounts; one channel of all, smaller ones of the first 10 and 100, and for the
    // first 200 a channel each and a channel for every ten of them.
    async base() {
        const { people, soloists } = this.bench.sizes;
        await mkdir(this.path('base'), { recursive: true });
        await this.fill(this.path('base'), async (parley) => {
            const accounts = await this.register(parley, people);
            this.accounts = accounts;
            await this.makeHall(parley, 'hall', accounts);
            await this.makeHall(parley, 'hall-10', accounts.slice(0, 10));
            await this.makeHall(parley, 'hall-100', accounts.slice(0, 100));
            await this.makeTeams(parley, accounts.slice(0, soloists));
            await this.makeSolos(parley, accounts.slice(0, soloists));
        });
    }

    async register(parley, count) {
        const names = Array.from({ length: count }, (_, i) => `member-${i}`);
        const enter = async (name) => {
            this.bench.progress.note(`making accounts: ${name} of ${count}`);
            return (await parley.call('auth.register', { name, password: PASSWORD })).token;
        };
        const owner = await enter(names[0]); // the first account is the owner's
        return [owner, ...(await inParallel(names.slice(1), 8, enter))];
    }

    // A channel of those with the TOKENS, and who they are.
    async makeChannel(parley, name, tokens) {
        const { channel } = await parley.call('channel.create', { name }, tokens[0]);
        await inParallel(tokens.slice(1), WIDTH, (token) =>
            parley.call('channel.join', { channel: channel.id }, token),
        );
        return tokens.map((token) => ({ token, channel: channel.id }));
    }

    async makeHall(parley, name, tokens) {
        await this.writePeople(name, await this.makeChannel(parley, name, tokens));
    }

    async makeTeams(parley, tokens) {
        const people = [];
        for (let first = 0; first < tokens.length; first += TEAM) {
            const team = tokens.slice(first, first + TEAM);
            people.push(...(await this.makeChannel(parley, `team-${first}`, team)));
        }
        await this.writePeople('teams', people);
        await this.writePeople(
            'leads',
            people.filter((_, i) => i % TEAM === 0),
        );
    }

    async makeSolos(parley, tokens) {
        const people = await inParallel(tokens, WIDTH, async (token, i) => {
            const { channel } = await parley.call(
                'channel.create',
                { name: `solo-${i}`, type: 'private' },
                token,
            );
            return { token, channel: channel.id };
        });
        await this.writePeople('solo', people);
    }

    // As many channels of ten as there are people; everybody is in ten.
    async rings() {
        await this.get('base');
        await copyData(this.path('base'), this.path('rings'));
        const tokens = this.accounts;
        await this.fill(this.path('rings'), async (parley) => {
            const people = await inParallel(tokens, WIDTH, async (token, i) => {
                this.bench.progress.note(`making channels of ten: ${i} of ${tokens.length}`);
                const { channel } = await parley.call('channel.create', { name: `ring-${i}` }, token);
                for (let step = 1; step < 10; step++) {
                    const other = tokens[(i + step) % tokens.length];
                    await parley.call('channel.join', { channel: channel.id }, other);
                }
                return { token, channel: channel.id };
            });
            await this.writePeople('rings', people);
        });
    }

    // A long history in the channels of the teams, written through message.send like any
    // other by one of each team.
    async history() {
        await this.get('base');
        await copyData(this.path('base'), this.path('history'));
        await this.fillHistory(this.path('history'));
    }

    async fillHistory(path) {
        await this.fill(path, async (parley) => {
            const { messages, soloists } = this.bench.sizes;
            let stored = 0;
            while (stored < messages) {
                this.bench.progress.note(`storing messages: ${stored} of ${messages}`);
                const load = new Load(this.bench.programs.load, 'traffic', {
                    port: parley.port,
                    people: this.people('leads'),
                    members: soloists / TEAM,
                    publishers: soloists / TEAM,
                    fanout: 1,
                    window: FILL_WINDOW,
                    warm: 0,
                    seconds: this.bench.sizes.fillSeconds,
                });
                const result = await load.result();
                if (result.fault) throw new Error(result.fault);
                stored += result.answer_ms.count;
            }
            this.stored = stored;
        });
    }
}
