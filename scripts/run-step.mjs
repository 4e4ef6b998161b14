// Runs before the installation: plain JavaScript for Node >= 20.19 that imports only node: modules.
import { spawn } from 'node:child_process';

/** Known symptoms in the output of a failed step, each with what to do. The first match is printed. */
const REMEDIES = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|dns error|error sending request/i,
    'Cannot connect to the package registry. Check the network and the proxy (HTTPS_PROXY). `npm ping` must succeed.',
  ],
  [
    /self.signed|unable to (get|verify).*(issuer|certificate)|UnknownIssuer|invalid peer certificate/i,
    "The registry's certificate is not trusted. Add its certificate authority: `npm config set cafile FILE`.",
  ],
  [/ENOSPC|no space left/i, 'The disk is full. An installation needs about 1 GB.'],
  [/EACCES|EPERM|EROFS|permission denied/i, 'Cannot write to a folder: the checkout, HOME or its caches.'],
  [
    /OUTDATED_LOCKFILE/,
    'pnpm-lock.yaml does not match the manifests. Run `npm run pnpm -- install --no-frozen-lockfile` and commit it.',
  ],
];

/** A failure that is reported by its message, without a stack trace. */
export class StepError extends Error {
  name = 'StepError';
}

/**
 * Runs a command as one step. Prints a line with its duration if it succeeds, and its whole output if it fails.
 *
 * @param {string} label What the step does, such as `building packages`.
 * @param {string} command A program on PATH.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @throws {StepError} If the program is missing or its exit code is not 0.
 */
export async function runStep(label, command, args, env = process.env) {
  const started = performance.now();
  startLine(label);
  const { code, output } = await capture(command, args, env).catch((error) => {
    endLine(label, 'failed');
    throw error;
  });
  if (code === 0) {
    endLine(label, `${((performance.now() - started) / 1000).toFixed(1)} s`);
    return;
  }
  endLine(label, `failed\n\n${output.trimEnd()}\n`);
  const remedy = REMEDIES.find(([symptom]) => symptom.test(output))?.[1] ?? 'See its output above.';
  throw new StepError(`${label}: \`${[command, ...args].join(' ')}\` exited with ${code}. ${remedy}`);
}

/** Step whose line is printed up to its result. */
let lineOf;

function startLine(label) {
  if (lineOf !== undefined) return;
  lineOf = label;
  process.stderr.write(`${label} ... `);
}

/** Prints the result of a step, on a line of its own if another step has begun the last one. */
function endLine(label, result) {
  const start = lineOf === undefined ? `${label} ... ` : lineOf === label ? '' : `\n${label} ... `;
  lineOf = undefined;
  process.stderr.write(`${start}${result}\n`);
}

/** Runs a command that shares this terminal. Returns its exit code, or 128 + n if signal n killed it. */
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
    command === 'npx' ? ' It is part of npm: install npm 7 or newer, or a Node distribution that includes it.' : '';
  return new StepError(`The program \`${command}\` is not on PATH.${remedy}`);
}

/** Reports whether a command must be started by a shell: on Windows, npx is a batch file. */
function needsShell(command) {
  return process.platform === 'win32' && command === 'npx';
}
