import { DIGEST_OUTPUT_TAG } from '@soci/filter';
import { isDigest, isTag, quoteText } from '@soci/oci';
import { type GeneratorSettings, readGeneratorSettings } from '../environment/generator-settings.ts';
import type { Environment } from '../environment/variables.ts';
import { FunctionError } from '../errors.ts';

/** `ResourceProperties` of `Custom::SociIndexedImage`. All values are strings, because CloudFormation converts them. */
export interface SociIndexedImageProperties {
  /** Name of the repository. */
  readonly repositoryName: string;
  /** Tag or digest of the image. */
  readonly image: string;
  /** Same as `soci_index_version` of the generator. @default 'V2' */
  readonly indexVersion?: string;
  /** Same as `soci_output_tag`. @default '{tag}-soci', or 'soci-{digest12}' if the image is given by its digest */
  readonly outputTag?: string;
  /** Same as `soci_min_layer_size`. @default '10485760' */
  readonly minLayerSize?: string;
  /** Same as `soci_span_size`. @default '4194304' */
  readonly spanSize?: string;
  /** Same as `soci_use_stored_profile`. @default 'false' */
  readonly useStoredProfile?: string;
  /** Same as `soci_recompress`. @default 'none' */
  readonly recompress?: string;
  /** `false`: the deployment does not wait for the index. @default 'true' */
  readonly wait?: string;
  /** `false`: the index is kept when the resource is deleted. @default 'true' */
  readonly removeIndex?: string;
}

/** Parsed properties of the resource. */
export interface IndexRequest {
  readonly repository: string;
  /** Tag of the image. Absent if it is given by its digest. */
  readonly tag?: string;
  /** Digest of the image. Absent if it is given by its tag. */
  readonly digest?: string;
  readonly settings: GeneratorSettings;
  /** The settings that determine the bytes of an index, as comparable text. */
  readonly indexing: string;
  readonly wait: boolean;
  readonly removeIndex: boolean;
}

/**
 * Parses the properties of a resource. Other settings come from the environment, as for the generator.
 *
 * @throws FunctionError `ENVIRONMENT_INVALID` with all faults of the settings, or with the first other fault.
 */
export function readProperties(properties: Readonly<Record<string, unknown>>, environment: Environment): IndexRequest {
  const text = (name: keyof SociIndexedImageProperties): string => String(properties[name] ?? '');
  const [repository, image] = [text('repositoryName'), text('image')];
  if (repository === '') throw new FunctionError('ENVIRONMENT_INVALID', 'repositoryName is missing');
  const isByDigest = isDigest(image);
  if (!isByDigest && !isTag(image)) {
    const message = `image: ${quoteText(image)} is neither a tag nor a digest (sha256:...)`;
    throw new FunctionError('ENVIRONMENT_INVALID', message);
  }
  const settings = readGeneratorSettings({
    ...environment,
    soci_index_version: text('indexVersion'),
    soci_output_tag: text('outputTag') || (isByDigest ? DIGEST_OUTPUT_TAG : ''),
    soci_min_layer_size: text('minLayerSize'),
    soci_span_size: text('spanSize'),
    soci_use_stored_profile: text('useStoredProfile'),
    soci_recompress: text('recompress'),
  });
  if (isByDigest && settings.version === 2 && settings.outputTag.needsTag) {
    const message = `outputTag: ${settings.outputTag.template} contains {tag}, but the image is given by its digest: use {digest12}`;
    throw new FunctionError('ENVIRONMENT_INVALID', message);
  }
  const { version, minLayerSize, spanSize, useStoredProfile, recompress } = settings;
  const spans = [spanSize ?? 'default', ...(useStoredProfile ? ['stored-profile'] : [])];
  const indexing = [`V${version}`, minLayerSize, ...spans, ...recompress].join(',');
  return {
    repository,
    ...(isByDigest ? { digest: image } : { tag: image }),
    settings,
    indexing,
    wait: text('wait') !== 'false',
    removeIndex: text('removeIndex') !== 'false',
  };
}

// A Delete request contains only the physical id and the properties of a resource. The physical id therefore identifies the
// created index. If an update changes it, CloudFormation deletes the resource with the old id.

/** The index that a custom resource manages. */
export interface IndexedResource {
  readonly repository: string;
  /** Digest of the SOCI-enabled image, or of the original image if `indexing` is set. */
  readonly digest: string;
  /** Tag of the SOCI-enabled image, if it has one. */
  readonly outputTag?: string;
  /**
   * Settings of the index, to find it if `digest` is not its digest. `none` if no index was created.
   */
  readonly indexing?: string;
}

/** Value of `indexing` if no index was created. */
export const NO_INDEX_CREATED = 'none';

const ID = /^([a-z\d]+(?:[._/-]+[a-z\d]+)*)(?::([\w][\w.-]*))?@(sha256:[\da-f]{64})(?:#(.+))?$/;

/** Formats a physical id: `REPOSITORY[:TAG]@DIGEST[#INDEXING]`. */
export function formatResourceId({ repository, outputTag, digest, indexing }: IndexedResource): string {
  const tag = outputTag === undefined ? '' : `:${outputTag}`;
  return `${repository}${tag}@${digest}${indexing === undefined ? '' : `#${indexing}`}`;
}

/** Parses a physical id. Returns undefined for the id of a resource whose creation failed. */
export function parseResourceId(id: string): IndexedResource | undefined {
  const [, repository, outputTag, digest, indexing] = ID.exec(id) ?? [];
  if (repository === undefined || digest === undefined) return undefined;
  return {
    repository,
    digest,
    ...(outputTag !== undefined && { outputTag }),
    ...(indexing !== undefined && { indexing }),
  };
}
