import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** How a server is started. */
interface ServerCommand {
  readonly path: string;
  readonly args: readonly string[];
  /** Additional environment variables. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Log file for its output. */
  readonly log: string;
}

/** A running server. */
export interface ServerProcess {
  /** Stops it and waits until it has exited. */
  stop(): Promise<void>;
  /** Kills it immediately. */
  kill(): Promise<void>;
}

/** Time limit for the start of a server, in milliseconds. Large enough for a loaded machine. */
const START_DEADLINE = 240_000;

/** Starts a server and waits until it listens. */
export async function startServer({ path, args, env, port, log }: ServerCommand): Promise<ServerProcess> {
  const file = openSync(log, 'a');
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', file, file] });
  closeSync(file);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  const failure = await Promise.race([ended, listening(port, START_DEADLINE)]);
  if (failure === undefined) return { stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
  await end('SIGKILL');
  throw new Error(`${path} does not listen on port ${port}: ${failure}\n${readFileSync(log, 'utf8')}`);
}

/** Returns a free port on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Connects to the port until it answers. Returns undefined, or a description of the failure. */
async function listening(port: number, deadline: number): Promise<string | undefined> {
  const started = performance.now();
  while (!(await accepts(port))) {
    if (performance.now() - started > deadline) return `no answer within ${deadline} ms`;
    await wait(25);
  }
  return undefined;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
