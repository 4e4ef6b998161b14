import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BundledPackage } from './bundled-packages.ts';

/** What an SBOM is about: a file that is shipped. */
export interface BundledProduct {
  readonly name: string;
  /** The file, for its hash. */
  readonly content: Uint8Array;
}

const LOCKFILE = new URL('../../../pnpm-lock.yaml', import.meta.url);

/**
 * Returns a software bill of materials of a bundle in CycloneDX 1.6, as JSON. The result is the same for the same bundle.
 *
 * @throws Error if the lockfile has no hash of a package that was installed.
 */
export function formatSbom({ name, content }: BundledProduct, packages: readonly BundledPackage[]): string {
  const integrity = readIntegrity(readFileSync(LOCKFILE, 'utf8'));
  const components = packages.map((each) => toComponent(each, integrity));
  const sha256 = createHash('sha256').update(content).digest('hex');
  const root = `${name}@sha256:${sha256}`;
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([root, components]))}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        hashes: [{ alg: 'SHA-256', content: sha256 }],
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map((component) => component['bom-ref']) }],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function toComponent({ name, version, license, isOwn }: BundledPackage, integrity: ReadonlyMap<string, string>) {
  const [group, base] = name.startsWith('@') ? (name.split('/') as [string, string]) : [undefined, name];
  const purl = `pkg:npm/${group === undefined ? '' : `${encodeURIComponent(group)}/`}${base}@${version}`;
  const hash = integrity.get(`${name}@${version}`);
  if (hash === undefined && !isOwn) throw new Error(`pnpm-lock.yaml has no hash of ${name}@${version}`);
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group !== undefined && { group }),
    name: base,
    version,
    licenses: [{ license: { id: license } }],
    purl,
    ...(hash !== undefined && { hashes: [{ alg: 'SHA-512', content: hash }] }),
  };
}

/** Reads the SHA-512 hashes of npm tarballs, in hexadecimal, by `name@version`. */
function readIntegrity(lockfile: string): Map<string, string> {
  const entries = lockfile.matchAll(/^ {2}'?([^\s']+@[^\s':]+)'?:\n {4}resolution: \{integrity: sha512-([\w+/=]+)/gm);
  return new Map([...entries].map(([, id = '', hash = '']) => [id, Buffer.from(hash, 'base64').toString('hex')]));
}

/** Returns a UUID of version 8 (custom format) from the hash of `text`, so that it is reproducible. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(18, 20),
    hex.slice(20, 32),
  ].join('-');
}
