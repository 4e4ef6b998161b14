// Runs before anything is installed: plain JavaScript for Node >= 20.19, node: modules only.
import { spawn } from 'node:child_process';

/** What a failed step's output tells, and what to do about it. The first match is shown. */
const REMEDIES = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|dns error|error sending request/i,
    'The package registry cannot be reached. Check the network and the proxy (HTTPS_PROXY); `npm ping` must answer.',
  ],
  [
    /self.signed|unable to (get|verify).*(issuer|certificate)|UnknownIssuer|invalid peer certificate/i,
    "The registry's certificate is not trusted here. Name your authority's file: `npm config set cafile FILE`.",
  ],
  [/ENOSPC|no space left/i, 'The disk is full: an installation takes about 600 MB.'],
  [/EACCES|EPERM|EROFS|permission denied/i, 'A folder cannot be written: the checkout, HOME or its caches.'],
  [
    /OUTDATED_LOCKFILE/,
    'pnpm-lock.yaml does not fit the manifests. Run `npx -y pnpm install --no-frozen-lockfile` and commit it.',
  ],
];

/** A failure whose message is all that its reader needs; no stack is printed. */
export class StepError extends Error {
  name = 'StepError';
}

/**
 * Runs a command as one step: a line with its seconds when it succeeds, its whole output and a remedy when it fails.
 *
 * @param {string} label what the step does, as a reader of the line would say it
 * @param {string} command a program on PATH
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @throws {StepError} when the program is missing or its exit code is not 0
 */
export async function runStep(label, command, args, env = process.env) {
  const started = performance.now();
  process.stderr.write(`${label} ... `);
  const { code, output } = await capture(command, args, env).catch((error) => {
    process.stderr.write('failed\n');
    throw error;
  });
  if (code === 0) {
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stderr.write(`failed\n\n${output.trimEnd()}\n\n`);
  const remedy = REMEDIES.find(([symptom]) => symptom.test(output))?.[1] ?? 'Its output is above.';
  throw new StepError(`${label}: \`${[command, ...args].join(' ')}\` ended with ${code}. ${remedy}`);
}

/** Runs a command with this terminal's input and output. Gives its exit code; 128 + n when signal n ended it. */
export function runAttached(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: 'inherit', shell: needsShell(command) });
    child.on('error', (error) => reject(explainSpawn(command, error)));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

function capture(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], shell: needsShell(command) });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => reject(explainSpawn(command, error)));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output: Buffer.concat(chunks).toString() }));
  });
}

function explainSpawn(command, error) {
  if (error.code !== 'ENOENT') return error;
  const remedy =
    command === 'npx' ? ' It comes with npm: install npm 7 or newer, or a Node distribution that has it.' : '';
  return new StepError(`The program \`${command}\` is missing from PATH.${remedy}`);
}

/** On Windows npx is a batch file, which only a shell starts. */
function needsShell(command) {
  return process.platform === 'win32' && command === 'npx';
}
