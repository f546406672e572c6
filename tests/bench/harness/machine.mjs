// What the figures were measured on and with.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

function firstLine(command, args) {
    try {
        return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
            .trim()
            .split('\n')[0];
    } catch {
        return 'unknown';
    }
}

const packageVersion = (name) =>
    JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url)))
        .version;

const systemName = () =>
    /^PRETTY_NAME="(.*)"/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';

export function describeMachine(programs) {
    const cpus = os.cpus();
    const virtual = /^flags.* hypervisor/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
    return {
        processors: `${cpus.length} × ${cpus[0].model.trim()}${virtual ? ' (virtual machine)' : ''}`,
        memory: `${Math.round(os.totalmem() / 2 ** 30)} GB`,
        system: `${systemName()}, Linux ${os.release().split('-')[0]}`,
        parley: firstLine(programs.parleyd, ['--version']),
        commit: firstLine('git', ['rev-parse', '--short', 'HEAD']),
        node: process.version,
        sqlite: firstLine('sqlite3', ['--version']).split(' ')[0],
        socketio: packageVersion('socket.io'),
        ws: packageVersion('ws'),
        express: packageVersion('express'),
    };
}
