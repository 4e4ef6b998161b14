import { spawn } from 'node:child_process';
import type { FaultRule, TestRegistry } from '@soci/test-registry';
import { ours } from '../measure.ts';
import { incompleteTags } from './faults.ts';

/** How a conversion ended. */
export interface Ending {
  /**
   * - `identical`: it said that all is well, and what the tag leads to is what an undisturbed run makes, and whole;
   * - `refused`: it ended with an error that has a code, and the tag is not there; or, where the very answer to the request
   *   that gives it could not be believed, leads to what an undisturbed run makes;
   * - `wrong`: anything else.
   */
  readonly verdict: 'identical' | 'refused' | 'wrong';
  /** Code of the error, or what is wrong. */
  readonly detail: string;
  /** Requests that the fault happened to. */
  readonly hits: number;
  readonly seconds: number;
  /** What a tag led to, at any moment, that was not there. */
  readonly incomplete: readonly string[];
}

/** Where a conversion goes from and to, on one registry. */
export interface Conversion {
  readonly source: { readonly repository: string; readonly tag: string };
  readonly destination: { readonly repository: string; readonly tag: string };
  /** Digest that the destination's tag is to have; undefined for the undisturbed run, which finds it out. */
  readonly expected: string | undefined;
}

/** Longest that a conversion may take, with everything that goes wrong. */
const PATIENCE_MS = 180_000;

/** Converts by the command line, as it is published, while the registry has a fault; watches every tag at every push. */
export async function convertUnderFault(
  registry: TestRegistry,
  { source, destination, expected }: Conversion,
  rule: FaultRule | undefined,
): Promise<Ending> {
  const incomplete = new Set<string>();
  const watch = () => {
    for (const missing of incompleteTags(registry, destination.repository)) incomplete.add(missing);
  };
  const stopWatching = registry.onEvent(watch);
  const injected = rule === undefined ? undefined : registry.inject(rule);
  const started = performance.now();
  const { code, stdout, stderr } = await runConvert(registry, [
    `${registry.host}/${source.repository}:${source.tag}`,
    `${registry.host}/${destination.repository}:${destination.tag}`,
  ]);
  const seconds = (performance.now() - started) / 1000;
  stopWatching();
  injected?.remove();
  watch();
  const found = registry.manifest(destination.repository, destination.tag)?.digest;
  const common = { hits: injected?.hits ?? 0, seconds, incomplete: [...incomplete] };
  if (code === 0) {
    const isRight = found !== undefined && (expected === undefined || found === expected);
    const detail = isRight ? '' : `it says done, and the tag leads to ${found ?? 'nothing'}: ${stdout.slice(0, 200)}`;
    return { verdict: isRight ? 'identical' : 'wrong', detail, ...common };
  }
  const errorCode = readErrorCode(stdout);
  const isClear = errorCode !== undefined && (found === undefined || found === expected);
  return {
    verdict: isClear ? 'refused' : 'wrong',
    detail: isClear ? errorCode : `exit code ${code}, the tag leads to ${found ?? 'nothing'}: ${stderr.slice(-500)}`,
    ...common,
  };
}

function runConvert({ credentials }: TestRegistry, places: readonly string[]) {
  const options = ['--json', '--stall-timeout=2', `--username=${credentials.username}`, '--password-stdin'];
  const command = ours('convert', ...options, ...places);
  const ended = { stdout: '', stderr: '' };
  return new Promise<typeof ended & { code: number | null }>((resolve, reject) => {
    const child = spawn(command.program, command.arguments, { stdio: 'pipe', timeout: PATIENCE_MS });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        ended[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...ended }));
    child.stdin.end(credentials.password);
  });
}

/** The code in the error object that `--json` prints as its last line. */
function readErrorCode(stdout: string): string | undefined {
  try {
    const { error } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { error?: { code?: string } };
    return error?.code;
  } catch {
    return undefined;
  }
}
