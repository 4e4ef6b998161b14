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
