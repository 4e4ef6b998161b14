import type { SociIndexBuilder, SociIndexBuilderProps } from '@soci/construct';
import type { Stack } from 'aws-cdk-lib';
import type { FunctionKeys } from './function-keys.ts';
import { deliveryParameters } from './parameters/delivery.ts';
import { eventParameters } from './parameters/events.ts';
import { functionParameters } from './parameters/functions.ts';
import { indexingParameters } from './parameters/indexing.ts';
import { monitoringParameters } from './parameters/monitoring.ts';
import { describeGroups, type ParameterGroup } from './parameters/parameter-group.ts';
import { applyPermissions } from './parameters/permissions.ts';
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
  const groups: readonly ParameterGroup[] = [
    indexingParameters(stack),
    eventParameters(stack),
    resourceParameters(stack, keys),
    functionParameters(stack),
    monitoringParameters(stack),
    deliveryParameters(stack),
    securityParameters(stack),
  ];
  describeGroups(stack, groups);
  return {
    props: Object.assign({}, ...groups.map(({ props }) => props)),
    apply(builder) {
      for (const group of groups) group.apply?.(builder);
      applyPermissions(stack, builder, Object.assign({}, ...groups.map(({ permissions }) => permissions)));
    },
  };
}
