import { Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { fail, quote } from './property-types';
import { rules } from './shipped-assets';

/** Tag of an image. @see OCI Distribution Specification, "Pulling manifests" */
export const TAG: RegExp = /^\w[\w.-]{0,127}$/;
export const MAX_TAG_LENGTH = 128;

/** What a builder does with images. */
interface Indexing {
  readonly repositories: { readonly filters: string };
  readonly outputTag: string;
  readonly version: string;
}

/**
 * Returns the container image to run for a pushed tag: the tag that the builder gives to the SOCI-enabled image, or for version 1
 * the pushed tag. Fails if the tag is not known during synthesis, or the builder does not index the image.
 */
export function indexedContainerImage(
  builder: Construct,
  { repositories, outputTag, version }: Indexing,
  repository: IRepository,
  tag: string,
): ContainerImage {
  if (typeof tag !== 'string' || (!Token.isUnresolved(tag) && !TAG.test(tag))) {
    fail(builder, 'sociImage', `${quote(tag)} is not a tag: use the tag of the pushed image, such as v1`);
  }
  if (typeof repository?.repositoryName !== 'string') {
    const problem = repository === undefined ? 'the repository is missing' : `${quote(repository)} is not a repository`;
    fail(builder, 'sociImage', `${problem}: pass the repository of the image`);
  }
  checkIndexed(builder, repositories.filters, repository, tag);
  if (Token.isUnresolved(version) || Token.isUnresolved(outputTag)) {
    fail(
      builder,
      'sociImage',
      'indexVersion or outputTag is a token, so the tag is not known during synthesis: set both',
    );
  }
  if (version === 'V1') return ContainerImage.fromEcrRepository(repository, tag);
  if (outputTag === rules.NO_OUTPUT_TAG || outputTag.includes('{digest12}')) {
    const problem = `outputTag ${outputTag} gives no tag that is known during synthesis: use {tag} without {digest12}, or SociIndexedImage`;
    fail(builder, 'sociImage', problem);
  }
  if (!Token.isUnresolved(tag) && rules.parseOutputTag(outputTag).isOutput(tag)) {
    fail(
      builder,
      'sociImage',
      `${tag} is the tag of a SOCI-enabled image: use the tag of the pushed image, such as v1`,
    );
  }
  const made = outputTag.replaceAll('{tag}', tag);
  if (!Token.isUnresolved(made) && made.length > MAX_TAG_LENGTH) {
    fail(builder, 'sociImage', `${made} has ${made.length} characters, but a tag has at most ${MAX_TAG_LENGTH}`);
  }
  return ContainerImage.fromEcrRepository(repository, made);
}

/** Rejects an image that the filters do not match, as far as its name and the filters are known. */
function checkIndexed(builder: Construct, filters: string, { repositoryName }: IRepository, tag: string): void {
  const image = `${repositoryName}:${tag}`;
  if (Token.isUnresolved(filters) || Token.isUnresolved(image)) return;
  const { include, exclude } = rules.parseFilters(filters);
  if (include.some((filter) => filter.matches(image)) && !exclude.some((filter) => filter.matches(image))) return;
  fail(
    builder,
    'sociImage',
    `the filters ${filters} do not match ${image}: the builder does not index it. Change the filters`,
  );
}
