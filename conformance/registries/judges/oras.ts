import type { Descriptor } from '@soci/oci';
import { findProgram } from '../programs.ts';
import { judgeEnvironment, type RealRegistry } from '../real-registry.ts';
import { runWell } from '../run-program.ts';

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

function oras({ hasTls }: RealRegistry, command: string, ...args: readonly string[]): Promise<Buffer> {
  const scheme = hasTls || command === 'cp' ? [] : ['--plain-http'];
  return runWell(findProgram('oras') ?? 'oras', [command, ...scheme, ...args], { env: judgeEnvironment() });
}

function fromHost({ hasTls }: RealRegistry): string[] {
  return hasTls ? [] : ['--from-plain-http'];
}
