import type { Descriptor } from '../descriptor.ts';
import { field, type JsonObject, listField, parseDocument } from '../document.ts';
import { OciError } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { ImageIndex } from '../manifest.ts';
import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import { formatPlatform } from '../platform.ts';

/** The annotation by which `index.json` names a manifest. @see OCI image-spec v1.1, annotations.md */
export const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name';

/** The full name that containerd and Docker write with it: two repositories may share the tag `latest`. */
const CONTAINERD_NAME = 'io.containerd.image.name';

// Wider than a registry's tag: what the specification's grammar of this annotation allows, and a leading underscore.
const NAME_PATTERN = /^\w[\w.\-:@+/]{0,254}$/;

/** An `index.json` of nothing. */
export const EMPTY_INDEX: Uint8Array = encode({
  schemaVersion: 2,
  mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
  manifests: [],
});

/**
 * The manifest that bears `name`, or the only one where `name` is empty.
 *
 * @param where - The layout, for error messages.
 * @throws OciError `NOT_FOUND`, listing what is there.
 */
export function findRoot(index: ImageIndex, name: string, where: string): Descriptor {
  const bearing = (key: string) => index.manifests.filter((entry) => entry.annotations?.[key] === name);
  let found = name === '' ? index.manifests : bearing(ANNOTATION_REF_NAME);
  if (found.length === 0) found = bearing(CONTAINERD_NAME);
  const [first, ...others] = found;
  if (first !== undefined && others.every(({ digest }) => digest === first.digest)) return first;

  const asked = name === '' ? 'a manifest without a name' : `the name ${JSON.stringify(name)}`;
  const problem = first === undefined ? 'nothing answers to it' : 'several manifests answer to it';
  throw new OciError('NOT_FOUND', `${where} was asked for ${asked}, but ${problem}. It lists ${listRoots(index)}`);
}

/**
 * Adds a manifest to an `index.json`, as skopeo does: a name moves from who had it to the new entry, an entry of the
 * same digest without a name gives way, and all that is not known here stays as it is.
 *
 * @param raw - The `index.json` as it was.
 * @param name - Tag of the manifest; empty for none.
 * @returns The new `index.json`.
 */
export function addRoot(raw: Uint8Array, descriptor: Descriptor, name: string): Uint8Array {
  const document = parseDocument(raw, 'index.json');
  const entries = (
    listField(document, 'manifests', 'index.json', DEFAULT_LIMITS.maxManifests) as readonly JsonObject[]
  ).map((entry) => (name !== '' && nameOf(entry) === name ? withoutName(entry) : entry));
  const annotations = name === '' ? descriptor.annotations : { ...descriptor.annotations, [ANNOTATION_REF_NAME]: name };
  const added = { ...descriptor, ...(annotations && { annotations }) };
  const place = entries.findIndex((entry) => entry.digest === descriptor.digest && !nameOf(entry));
  return encode({
    ...document,
    manifests: place === -1 ? [...entries, added] : entries.with(place, added as unknown as JsonObject),
  });
}

/** @throws OciError `REFERENCE_INVALID` where `name` cannot name a manifest in a layout. */
export function checkName(name: string): void {
  if (!NAME_PATTERN.test(name) || /^sha(256|512):/.test(name)) {
    const rule =
      'up to 255 letters, digits and _ . - : @ + / are allowed, the first a letter, digit or _, and no digest';
    throw new OciError('REFERENCE_INVALID', `${JSON.stringify(name.slice(0, 80))} is no tag for a layout: ${rule}`);
  }
}

function nameOf(entry: JsonObject): unknown {
  const annotations = field(entry, 'annotations') as JsonObject | undefined;
  return annotations && field(annotations, ANNOTATION_REF_NAME);
}

function withoutName(entry: JsonObject): JsonObject {
  const { annotations, ...rest } = entry;
  const { [ANNOTATION_REF_NAME]: _, ...others } = annotations as JsonObject;
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}

function listRoots(index: ImageIndex): string {
  const shown = index.manifests.slice(0, 20).map(({ annotations, digest, platform }) => {
    const name = annotations?.[ANNOTATION_REF_NAME];
    return [name && JSON.stringify(name), platform && formatPlatform(platform), digest].filter(Boolean).join(' ');
  });
  if (index.manifests.length > shown.length) shown.push(`${index.manifests.length - shown.length} more`);
  return shown.length === 0 ? 'nothing' : `${shown.join(', ')}: ask by tag or by digest`;
}

function encode(document: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
