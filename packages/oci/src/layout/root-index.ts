import type { Descriptor } from '../descriptor.ts';
import { field, type JsonObject, listField, parseDocument } from '../document.ts';
import { OciError } from '../errors.ts';
import { quoteText } from '../escape-text.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { ImageIndex } from '../manifest.ts';
import { isImageManifest, MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import { formatPlatform } from '../platform.ts';
import { parseReference, type Reference } from '../reference.ts';

/** Annotation in `index.json` with the tag of a manifest. @see OCI image-spec v1.1, annotations.md */
export const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name';

/** Annotation of containerd and Docker with the full image name, because two repositories may have the tag `latest`. */
export const ANNOTATION_CONTAINERD_NAME = 'io.containerd.image.name';

// Allows more than a registry's tag: the specification's grammar for this annotation, and a leading underscore.
const NAME_PATTERN = /^\w[\w.\-:@+/]{0,254}$/;

/** An `index.json` without manifests. */
export const EMPTY_INDEX: Uint8Array = encode({
  schemaVersion: 2,
  mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
  manifests: [],
});

/**
 * Returns the manifest with the name `name`, or the only manifest if `name` is empty. A name is a tag, a full image name,
 * or a full image name in Docker's short form.
 *
 * @param where - The layout, for error messages.
 * @throws OciError `NOT_FOUND`, with a list of what exists.
 */
export function findRoot(index: ImageIndex, name: string, where: string): Descriptor {
  const fullName = expandName(name);
  // An annotation with a single word is a tag, not an image name.
  const isNamed = ({ annotations = {} }: Descriptor) =>
    [annotations[ANNOTATION_REF_NAME], annotations[ANNOTATION_CONTAINERD_NAME]].some(
      (own) => own !== undefined && /[/:]/.test(own) && fullName !== undefined && expandName(own) === fullName,
    );
  const withAnnotation = (key: string) => index.manifests.filter((entry) => entry.annotations?.[key] === name);
  let found = name === '' ? index.manifests : withAnnotation(ANNOTATION_REF_NAME);
  if (found.length === 0) found = withAnnotation(ANNOTATION_CONTAINERD_NAME);
  if (found.length === 0) found = index.manifests.filter(isNamed);
  const [first, ...others] = found;
  if (first !== undefined && others.every(({ digest }) => digest === first.digest)) return first;

  const count = first === undefined ? 'no manifest' : 'more than one manifest';
  const criterion = name === '' ? '' : ` with the name ${quoteText(name)}`;
  throw new OciError('NOT_FOUND', `${where} has ${count}${criterion}. It lists ${listRoots(index)}`);
}

/**
 * Adds a manifest to an `index.json`, as skopeo does. If another entry has the tag, the tag moves to the new entry. An
 * untagged entry with the same digest is replaced. Unknown fields are kept.
 *
 * @param raw - The current `index.json`.
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
  const position = entries.findIndex((entry) => entry.digest === descriptor.digest && !nameOf(entry));
  return encode({
    ...document,
    manifests: position === -1 ? [...entries, added] : entries.with(position, added as unknown as JsonObject),
  });
}

/** @throws OciError `REFERENCE_INVALID` unless `name` can be the tag of a manifest in a layout. */
export function checkName(name: string): void {
  if (!NAME_PATTERN.test(name) || /^sha(256|512):/.test(name)) {
    const rule =
      'use up to 255 letters, digits and _ . - : @ + /, starting with a letter, digit or _, but not a digest';
    throw new OciError('REFERENCE_INVALID', `invalid layout tag ${quoteText(name)}: ${rule}`);
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

/**
 * Returns the full form of an image name: `team/app` becomes `docker.io/team/app:latest`. Returns undefined for text that
 * is not an image name.
 *
 * @see github.com/distribution/reference v0.6.0, normalize.go, `ParseDockerRef`
 */
function expandName(name: string): string | undefined {
  const parsed = parseReferenceOf(name);
  if (parsed === undefined) return undefined;
  const { domain, path, tag = 'latest', digest } = parsed;
  const hasHost = domain !== undefined && (/[.:]/.test(domain) || domain === 'localhost');
  const host = hasHost && domain !== 'index.docker.io' ? domain : 'docker.io';
  const ownPath = hasHost || domain === undefined ? path : `${domain}/${path}`;
  const repository = host === 'docker.io' && !ownPath.includes('/') ? `library/${ownPath}` : ownPath;
  return `${host}/${repository}:${tag}${digest === undefined ? '' : `@${digest}`}`;
}

function parseReferenceOf(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}

/**
 * Returns whether `index.json` is itself a multi-platform image: two or more untagged images, all with a platform, each
 * platform once. Artifacts next to them, such as SOCI indexes, do not matter.
 */
export function isMultiPlatformImage({ manifests }: ImageIndex): boolean {
  const images = manifests.filter(
    ({ artifactType, platform }) => artifactType === undefined && platform?.os !== 'unknown',
  );
  const platforms = images.flatMap(({ mediaType, platform, annotations }) => {
    const isUntagged = !annotations?.[ANNOTATION_REF_NAME] && !annotations?.[ANNOTATION_CONTAINERD_NAME];
    return platform !== undefined && isUntagged && isImageManifest(mediaType) ? [formatPlatform(platform)] : [];
  });
  return platforms.length > 1 && platforms.length === images.length && new Set(platforms).size === images.length;
}

function listRoots(index: ImageIndex): string {
  const shown = index.manifests.slice(0, 20).map(({ annotations, digest, platform }) => {
    const tag = annotations?.[ANNOTATION_REF_NAME];
    const fullName = annotations?.[ANNOTATION_CONTAINERD_NAME];
    // The tag alone does not tell two repositories apart.
    const name = fullName?.endsWith(`:${tag}`) ? fullName : tag || fullName;
    return [name && quoteText(name), platform && formatPlatform(platform), digest].filter(Boolean).join(' ');
  });
  if (index.manifests.length > shown.length) shown.push(`${index.manifests.length - shown.length} more`);
  return shown.length === 0 ? 'nothing' : `${shown.join(', ')}. Select one by name or digest.`;
}

function encode(document: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
