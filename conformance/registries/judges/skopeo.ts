import { findProgram } from '../programs.ts';
import { judgeEnvironment, type RealRegistry } from '../real-registry.ts';
import { runWell } from '../run-program.ts';

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

function skopeo(...args: readonly string[]): Promise<Buffer> {
  // Who may sign what is no matter here.
  return runWell(findProgram('skopeo') ?? 'skopeo', ['--insecure-policy', ...args], { env: judgeEnvironment() });
}
