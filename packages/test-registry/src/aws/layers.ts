import { isDigest } from '@soci/oci';
import { type AwsInput, invalid, textOf, textsOf } from './aws-input.ts';
import { AwsFailure, type AwsRegistry } from './aws-registry.ts';
import { findRepository } from './repositories.ts';

/** @see Amazon ECR API Reference, BatchCheckLayerAvailability */
export function batchCheckLayerAvailability(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const digests = textsOf(input, 'layerDigests', 100);
  if (digests === undefined || digests.length === 0) throw invalid('layerDigests', 'Member must not be empty');
  return {
    layers: digests.filter(isDigest).map((layerDigest) => {
      const blob = aws.registry.store.blob(repository, layerDigest);
      if (blob === undefined) return { layerDigest, layerAvailability: 'UNAVAILABLE' };
      return { layerDigest, layerAvailability: 'AVAILABLE', layerSize: blob.size };
    }),
    failures: digests
      .filter((digest) => !isDigest(digest))
      .map((layerDigest) => ({
        layerDigest,
        failureCode: 'InvalidLayerDigest',
        failureReason: 'Invalid request parameters: layer digest is not valid',
      })),
  };
}

/** @see Amazon ECR API Reference, GetDownloadUrlForLayer */
export function getDownloadUrlForLayer(aws: AwsRegistry, input: AwsInput) {
  const layerDigest = textOf(input, 'layerDigest');
  const repository = findRepository(aws, input);
  if (aws.registry.store.blob(repository, layerDigest) === undefined) {
    throw new AwsFailure(
      'LayersNotFoundException',
      `The layer with digest '${layerDigest}' does not exist in the repository with name '${repository.name}'`,
    );
  }
  return { layerDigest, downloadUrl: aws.signUrl(layerDigest) };
}
