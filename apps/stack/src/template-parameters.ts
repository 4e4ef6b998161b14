import type { SociIndexBuilder, SociIndexBuilderProps } from '@soci/construct';
import type { Stack } from 'aws-cdk-lib';
import type { FunctionKeys } from './function-keys.ts';
import { indexingParameters } from './parameters/indexing.ts';
import { describeGroups } from './parameters/parameter-group.ts';
import { resourceParameters } from './parameters/resources.ts';
import { securityParameters } from './parameters/security.ts';

/** The parameters of the plain template, applied to the construct. */
export interface TemplateParameters {
  /** Properties of the construct, as tokens. */
  readonly props: SociIndexBuilderProps;
  /** Applies what properties cannot express to the resources of the construct. */
  apply(builder: SociIndexBuilder): void;
}

/**
 * Creates the parameters, with the groups and labels of AWS's SOCI Index Builder.
 *
 * @param keys - S3 keys of the zips, relative to the key prefix.
 */
export function createParameters(stack: Stack, keys: FunctionKeys): TemplateParameters {
  const groups = [indexingParameters(stack), resourceParameters(stack, keys), securityParameters(stack)];
  describeGroups(stack, groups);
  return {
    props: Object.assign({}, ...groups.map(({ props }) => props)),
    apply(builder) {
      for (const group of groups) group.apply?.(builder);
    },
  };
}
