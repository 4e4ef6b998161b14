// Tools of other projects that read and write registries: crane, oras and skopeo.
import type { Descriptor } from '@soci/oci';
import { toolPath } from '../tools/tools.ts';
import { oracleEnvironment, type RealRegistry } from './real-registry.ts';
import { runWell } from './run-program.ts';

/** Returns the digest of a reference. */
export async function craneDigest(reference: string): Promise<string> {
  return (await crane('digest', reference)).toString().trim();
}

/** Returns a manifest from the registry. */
export function craneManifest(reference: string): Promise<Buffer> {
  return crane('manifest', reference);
}

/** Copies an image, and everything that an index refers to, to a layout. Verifies the digest of each blob. */
export async function cranePull(reference: string, layout: string): Promise<void> {
  await crane('pull', '--format', 'oci', reference, layout);
}

/** Returns all tags of a repository. */
export async function craneTags(repository: string): Promise<string[]> {
  return (await crane('ls', repository)).toString().split('\n').filter(Boolean);
}

/** Returns a blob of a repository. Verifies its digest. */
export function craneBlob(repository: string, digest: string): Promise<Buffer> {
  return crane('blob', `${repository}@${digest}`);
}

/**
 * Validates an image: crane reads every layer and compares digests, sizes and the digests of uncompressed content. It
 * expects gzip layers.
 */
export async function craneValidate(reference: string): Promise<void> {
  await crane('validate', '--remote', reference);
}

/** Makes an image with one gzip layer for each archive, and pushes it. */
export async function craneAppend(reference: string, archives: readonly string[]): Promise<void> {
  await crane('append', '--new_tag', reference, ...archives.flatMap((file) => ['--new_layer', file]));
  await crane('mutate', '--set-platform', 'linux/amd64', '--tag', reference, reference);
}

/** Returns the referrers of an image that oras finds through the referrers API, or through the referrers tag. */
export async function orasReferrers(registry: RealRegistry, reference: string): Promise<Descriptor[]> {
  const found = await oras(registry, 'discover', '--format', 'json', '--depth', '1', `${registry.host}/${reference}`);
  const { referrers = [] } = JSON.parse(found.toString()) as { referrers?: Descriptor[] | null };
  return referrers ?? [];
}

/** Copies an artifact, and everything that it refers to, to a layout that lists it first. */
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

/** Copies all platforms of a layout to a registry, unchanged. */
export async function skopeoPush(layout: string, registry: RealRegistry, reference: string): Promise<void> {
  const { hasTls, host } = registry;
  await skopeo(
    'copy',
    ...['--all', '--preserve-digests', `--dest-tls-verify=${hasTls}`, `oci:${layout}`, `docker://${host}/${reference}`],
  );
}

/**
 * Copies an image from a registry to a layout. Copies the manifests of a SOCI index one by one, because skopeo 1.9
 * drops the `artifactType` of a list.
 */
export async function skopeoPull(registry: RealRegistry, reference: string, layout: string): Promise<void> {
  const { hasTls, host } = registry;
  await skopeo(
    'copy',
    ...['--all', '--preserve-digests', `--src-tls-verify=${hasTls}`, `docker://${host}/${reference}`, `oci:${layout}`],
  );
}

/** Returns a manifest from the registry. */
export function skopeoInspect({ hasTls, host }: RealRegistry, reference: string): Promise<Buffer> {
  return skopeo('inspect', '--raw', `--tls-verify=${hasTls}`, `docker://${host}/${reference}`);
}

/** crane detects whether a registry on loopback uses TLS. */
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
  // The tests do not use signatures.
  return runWell(toolPath('skopeo'), ['--insecure-policy', ...args], { env: oracleEnvironment() });
}
