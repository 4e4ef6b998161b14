// Other tools that read and write registries, and so tell what lies in one: crane, oras and skopeo.
import type { Descriptor } from '@soci/oci';
import { toolPath } from '../tools/tools.ts';
import { oracleEnvironment, type RealRegistry } from './real-registry.ts';
import { runWell } from './run-program.ts';

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

/** The referrers of an image as oras finds them: through the referrers API, or by the tag where there is none. */
export async function orasReferrers(registry: RealRegistry, reference: string): Promise<Descriptor[]> {
  const found = await oras(registry, 'discover', '--format', 'json', '--depth', '1', `${registry.host}/${reference}`);
  const { referrers = [] } = JSON.parse(found.toString()) as { referrers?: Descriptor[] | null };
  return referrers ?? [];
}

/** Copies an artifact, and all that it names, into a layout, which lists it first. */
export async function orasPull(registry: RealRegistry, reference: string, layout: string): Promise<void> {
  await oras(
    registry,
    'cp',
    '--to-oci-layout',
    ...fromHost(registry),
    `${registry.host}/${reference}`,
    `${layout}:copy`,
  );
}

/** Copies a layout into a registry, every platform of it, as it is. */
export async function skopeoPush(layout: string, registry: RealRegistry, reference: string): Promise<void> {
  const { hasTls, host } = registry;
  await skopeo(
    'copy',
    ...['--all', '--preserve-digests', `--dest-tls-verify=${hasTls}`, `oci:${layout}`, `docker://${host}/${reference}`],
  );
}

/**
 * Copies an image out of a registry into a layout. Of an index of ours, only its manifests one by one: skopeo 1.9 cannot
 * copy a list that has an `artifactType` as it is, but drops that.
 */
export async function skopeoPull(registry: RealRegistry, reference: string, layout: string): Promise<void> {
  const { hasTls, host } = registry;
  await skopeo(
    'copy',
    ...['--all', '--preserve-digests', `--src-tls-verify=${hasTls}`, `docker://${host}/${reference}`, `oci:${layout}`],
  );
}

/** A manifest, as the registry gives it. */
export function skopeoInspect({ hasTls, host }: RealRegistry, reference: string): Promise<Buffer> {
  return skopeo('inspect', '--raw', `--tls-verify=${hasTls}`, `docker://${host}/${reference}`);
}

/** crane finds out by itself whether a registry on loopback speaks TLS. */
function crane(...args: readonly string[]): Promise<Buffer> {
  return runWell(toolPath('crane'), args, { env: oracleEnvironment() });
}

function oras({ hasTls }: RealRegistry, command: string, ...args: readonly string[]): Promise<Buffer> {
  const scheme = hasTls || command === 'cp' ? [] : ['--plain-http'];
  return runWell(toolPath('oras'), [command, ...scheme, ...args], { env: oracleEnvironment() });
}

function fromHost({ hasTls }: RealRegistry): string[] {
  return hasTls ? [] : ['--from-plain-http'];
}

function skopeo(...args: readonly string[]): Promise<Buffer> {
  // Who may sign what is no matter here.
  return runWell(toolPath('skopeo'), ['--insecure-policy', ...args], { env: oracleEnvironment() });
}
