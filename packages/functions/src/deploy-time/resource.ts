import { isDigest, isTag } from '@soci/oci';
import { type GeneratorSettings, readGeneratorSettings } from '../environment/generator-settings.ts';
import { DIGEST_OUTPUT_TAG } from '../environment/output-tag.ts';
import type { Environment } from '../environment/variables.ts';
import { FunctionError } from '../errors.ts';

/** `ResourceProperties` of `Custom::SociIndexedImage`: texts all of them, as CloudFormation has it. */
export interface SociIndexedImageProperties {
  /** Name of the repository. */
  readonly repositoryName: string;
  /** Tag or digest of the image. */
  readonly image: string;
  /** As the generator's `soci_index_version`. @default 'V2' */
  readonly indexVersion?: string;
  /** As `soci_output_tag`. @default '{tag}-soci', or 'soci-{digest12}' for an image that is given by its digest */
  readonly outputTag?: string;
  /** As `soci_min_layer_size`. @default '10485760' */
  readonly minLayerSize?: string;
  /** As `soci_span_size`. @default '4194304' */
  readonly spanSize?: string;
  /** `false`: the deployment does not wait for the index. @default 'true' */
  readonly wait?: string;
  /** `false`: the index stays when the resource goes. @default 'true' */
  readonly removeIndex?: string;
}

/** The same, read. */
export interface IndexRequest {
  readonly repository: string;
  /** Tag of the image; absent where it is given by its digest. */
  readonly tag?: string;
  /** Digest of the image; absent where it is given by its tag. */
  readonly digest?: string;
  readonly settings: GeneratorSettings;
  /** The settings that the bytes of an index hang on, for people and for comparing. */
  readonly indexing: string;
  readonly wait: boolean;
  readonly removeIndex: boolean;
}

/** Longest part of a value that a message repeats, in characters. */
const SHOWN_LENGTH = 80;

/**
 * Reads the properties of a resource. What is not among them is in the environment, as the generator has it.
 *
 * @throws FunctionError `ENVIRONMENT_INVALID` with everything that is wrong with the settings, or the first other fault.
 */
export function readProperties(properties: Readonly<Record<string, unknown>>, environment: Environment): IndexRequest {
  const text = (name: keyof SociIndexedImageProperties): string => String(properties[name] ?? '');
  const [repository, image] = [text('repositoryName'), text('image')];
  if (repository === '') throw new FunctionError('ENVIRONMENT_INVALID', 'repositoryName is missing');
  const isByDigest = isDigest(image);
  if (!isByDigest && !isTag(image)) {
    const message = `image: ${JSON.stringify(image.slice(0, SHOWN_LENGTH))} is neither a tag nor a digest (sha256:...)`;
    throw new FunctionError('ENVIRONMENT_INVALID', message);
  }
  const settings = readGeneratorSettings({
    ...environment,
    soci_index_version: text('indexVersion'),
    soci_output_tag: text('outputTag') || (isByDigest ? DIGEST_OUTPUT_TAG : ''),
    soci_min_layer_size: text('minLayerSize'),
    soci_span_size: text('spanSize'),
  });
  if (isByDigest && settings.version === 2 && settings.outputTag.needsTag) {
    const message = `outputTag: ${settings.outputTag.template} takes the tag of an image that is given by its digest: use {digest12}`;
    throw new FunctionError('ENVIRONMENT_INVALID', message);
  }
  const { version, minLayerSize, spanSize } = settings;
  return {
    repository,
    ...(isByDigest ? { digest: image } : { tag: image }),
    settings,
    indexing: `V${version},${minLayerSize},${spanSize ?? 'default'}`,
    wait: text('wait') !== 'false',
    removeIndex: text('removeIndex') !== 'false',
  };
}

// What CloudFormation calls a resource is all that a deletion has to go by, beside the properties that the resource had: so it
// names what was made. One that differs from before makes CloudFormation delete what the one before names.

/** What a custom resource stands for. */
export interface IndexedResource {
  readonly repository: string;
  /** Digest of the SOCI-enabled image; of the image itself where `indexing` is there. */
  readonly digest: string;
  /** Tag of the SOCI-enabled image; absent where it has none. */
  readonly outputTag?: string;
  /**
   * How the index is found, where `digest` does not name it: by the settings that it was made with, or, with `none`, not at
   * all, since nothing was made.
   */
  readonly indexing?: string;
}

/** Nothing was made. */
export const NOTHING_MADE = 'none';

const ID = /^([a-z\d]+(?:[._/-]+[a-z\d]+)*)(?::([\w][\w.-]*))?@(sha256:[\da-f]{64})(?:#(.+))?$/;

/** Writes `REPOSITORY[:TAG]@DIGEST[#INDEXING]`. */
export function formatResourceId({ repository, outputTag, digest, indexing }: IndexedResource): string {
  const tag = outputTag === undefined ? '' : `:${outputTag}`;
  return `${repository}${tag}@${digest}${indexing === undefined ? '' : `#${indexing}`}`;
}

/** Reads what was written; undefined where a resource came to no end that made anything. */
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
