import { findProgram } from '../programs.ts';
import { judgeEnvironment } from '../real-registry.ts';
import { runWell } from '../run-program.ts';

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

/** Copies an image, and all that an index lists, into a layout; each blob's digest is checked. */
export async function cranePull(reference: string, layout: string): Promise<void> {
  await crane('pull', '--format', 'oci', reference, layout);
}

/** Every tag of a repository. */
export async function craneTags(repository: string): Promise<string[]> {
  return (await crane('ls', repository)).toString().split('\n').filter(Boolean);
}

/** A blob of a repository, its digest checked. */
export function craneBlob(repository: string, digest: string): Promise<Buffer> {
  return crane('blob', `${repository}@${digest}`);
}

/**
 * Fails unless an image is well formed: crane reads every layer, and compares digests, sizes and the digests of what is
 * compressed. It takes every layer for gzip.
 */
export async function craneValidate(reference: string): Promise<void> {
  await crane('validate', '--remote', reference);
}

/** Makes an image of archives, each a gzip layer, and pushes it. */
export async function craneAppend(reference: string, archives: readonly string[]): Promise<void> {
  await crane('append', '--new_tag', reference, ...archives.flatMap((file) => ['--new_layer', file]));
  await crane('mutate', '--set-platform', 'linux/amd64', '--tag', reference, reference);
}

function path(): string {
  return findProgram('crane') ?? 'crane';
}
