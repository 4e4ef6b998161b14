import { findProgram } from '../programs.ts';
import { judgeEnvironment } from '../real-registry.ts';
import { type ProgramRun, runProgram, runWell } from '../run-program.ts';

/** crane finds out by itself whether a registry on loopback speaks TLS. */
function crane(...args: readonly string[]): Promise<Buffer> {
  return runWell(path(), args, { env: judgeEnvironment() });
}

/** The digest that a reference has. */
export async function craneDigest(reference: string): Promise<string> {
  return (await crane('digest', reference)).toString().trim();
}

/** A manifest, as the registry gives it. */
export function craneManifest(reference: string): Promise<Buffer> {
  return crane('manifest', reference);
}

/** Every tag of a repository. */
export async function craneTags(repository: string): Promise<string[]> {
  return (await crane('ls', repository)).toString().split('\n').filter(Boolean);
}

/** A blob of a repository, its digest checked. */
export function craneBlob(repository: string, digest: string): Promise<Buffer> {
  return crane('blob', `${repository}@${digest}`);
}

/** Whether an image is well formed: crane reads every layer and compares digests, sizes and uncompressed digests. */
export function craneValidates(reference: string): Promise<ProgramRun> {
  return runProgram(path(), ['validate', '--remote', reference], { env: judgeEnvironment() });
}

function path(): string {
  return findProgram('crane') ?? 'crane';
}
