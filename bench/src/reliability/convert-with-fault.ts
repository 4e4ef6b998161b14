import { spawn } from 'node:child_process';
import type { FaultRule, TestRegistry } from '@soci/test-registry';
import { sociIndex } from '../measure.ts';
import { findMissingContent } from './faults.ts';

/** Result of a conversion. */
export interface RunResult {
  /**
   * - `identical`: it succeeded, and the tag refers to the same image as after a run without faults;
   * - `error`: it failed with an error code, and the tag does not exist. If the response to the push of the tag was wrong, the tag
   *   may also refer to the correct image;
   * - `wrong`: anything else.
   */
  readonly outcome: 'identical' | 'error' | 'wrong';
  /** Error code, or description of the wrong result. */
  readonly detail: string;
  /** Number of requests with the fault. */
  readonly hits: number;
  readonly seconds: number;
  /** Missing content that a tag referred to at any time. */
  readonly missing: readonly string[];
}

/** Source and destination of a conversion, in one registry. */
export interface Conversion {
  readonly source: { readonly repository: string; readonly tag: string };
  readonly destination: { readonly repository: string; readonly tag: string };
  /** Expected digest of the destination's tag; undefined for the run without faults, which determines it. */
  readonly expected: string | undefined;
}

/** Maximum time of a conversion, including all faults. */
const RUN_TIMEOUT_MS = 180_000;

/** Converts with the published command line while the registry has a fault. Checks all tags after every push. */
export async function convertWithFault(
  registry: TestRegistry,
  { source, destination, expected }: Conversion,
  rule: FaultRule | undefined,
): Promise<RunResult> {
  const missing = new Set<string>();
  const checkTags = () => {
    for (const content of findMissingContent(registry, destination.repository)) missing.add(content);
  };
  const stopChecking = registry.onEvent(checkTags);
  const injected = rule === undefined ? undefined : registry.inject(rule);
  const started = performance.now();
  const { code, stdout, stderr } = await runConvert(registry, [
    `${registry.host}/${source.repository}:${source.tag}`,
    `${registry.host}/${destination.repository}:${destination.tag}`,
  ]);
  const seconds = (performance.now() - started) / 1000;
  stopChecking();
  injected?.remove();
  checkTags();
  const found = registry.manifest(destination.repository, destination.tag)?.digest;
  const common = { hits: injected?.hits ?? 0, seconds, missing: [...missing] };
  if (code === 0) {
    const isRight = found !== undefined && (expected === undefined || found === expected);
    const detail = isRight
      ? ''
      : `the command succeeded, but the tag refers to ${found ?? 'nothing'}: ${stdout.slice(0, 200)}`;
    return { outcome: isRight ? 'identical' : 'wrong', detail, ...common };
  }
  const errorCode = readErrorCode(stdout);
  const isClear = errorCode !== undefined && (found === undefined || found === expected);
  return {
    outcome: isClear ? 'error' : 'wrong',
    detail: isClear ? errorCode : `exit code ${code}, the tag refers to ${found ?? 'nothing'}: ${stderr.slice(-500)}`,
    ...common,
  };
}

function runConvert({ credentials }: TestRegistry, images: readonly string[]) {
  const options = ['--json', '--stall-timeout=2', `--username=${credentials.username}`, '--password-stdin'];
  const command = sociIndex('convert', ...options, ...images);
  const output = { stdout: '', stderr: '' };
  return new Promise<typeof output & { code: number | null }>((resolve, reject) => {
    const child = spawn(command.program, command.arguments, { stdio: 'pipe', timeout: RUN_TIMEOUT_MS });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
    child.stdin.end(credentials.password);
  });
}

/** Returns the code of the error object that `--json` prints as its last line. */
function readErrorCode(stdout: string): string | undefined {
  try {
    const { error } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { error?: { code?: string } };
    return error?.code;
  } catch {
    return undefined;
  }
}
