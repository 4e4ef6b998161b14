import { App, DefaultStackSynthesizer, Validations } from 'aws-cdk-lib';
import { FUNCTION_KEYS, type FunctionKeys } from './function-keys.ts';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';
import { createParameters } from './template-parameters.ts';

const DESCRIPTION =
  'SOCI index builder: creates a SOCI (Seekable OCI) index for each image that is pushed to Amazon ECR and matches a filter. With the index, containers start before the whole image is pulled.';

/** Rules of the CDK's validation that do not take conditions into account, with the reason why each finding is wrong. */
const ACKNOWLEDGED = {
  W1030: 'A condition omits PermissionsBoundary of the roles if no permissions boundary is set.',
  F3031: 'A condition omits VpcConfig of the generator if the lists of subnets and security groups are empty.',
  E1150: 'A condition omits VpcConfig of the generator if the lists of subnets and security groups are empty.',
  W1001: 'The output names the log group only under the condition that creates it.',
};

/** Returns a template that needs no CDK bootstrap, assets or rules. Parameters set the location of the zips. */
export function plainTemplate(keys: FunctionKeys = FUNCTION_KEYS): object {
  const app = new App({ analyticsReporting: false });
  const stack = new SociIndexBuilderStack(app, 'SociIndexBuilder', {
    description: DESCRIPTION,
    // The code of the construct is an asset. The parameters override it.
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
    parameters: (scope) => createParameters(scope, keys),
  });
  for (const [rule, reason] of Object.entries(ACKNOWLEDGED)) {
    Validations.of(stack).acknowledge({ id: `CloudFormation-Validate::${rule}`, reason });
  }
  return app.synth().getStackArtifact(stack.artifactId).template as object;
}
