// Takes turns with whoever else works on the machine: what is measured has it alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

// WORK while FILE is locked, `exclusive` or `shared`; at once without a FILE.
export async function locked(file, kind, work) {
    if (!file) return work();
    const holder = spawn('flock', [`--${kind}`, file, 'sh', '-c', 'echo held; exec cat'], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(holder, 'exit');
    await Promise.race([
        once(holder.stdout, 'data'),
        ended.then(() => Promise.reject(new Error(`${file} could not be locked`))),
    ]);
    try {
        return await work();
    } finally {
        holder.stdin.end();
        await ended;
    }
}
