import { App, DefaultStackSynthesizer, Validations } from 'aws-cdk-lib';
import { FUNCTION_KEYS, type FunctionKeys } from './function-keys.ts';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';
import { createParameters } from './template-parameters.ts';

const DESCRIPTION =
  'SOCI index builder: makes a SOCI (Seekable OCI) index for every image that is pushed to Amazon ECR and matches a filter, so that containers start before their image is pulled.';

/** The template that stands alone: no bootstrap, no assets, no rules; parameters say where the zips of the functions lie. */
export function plainTemplate(keys: FunctionKeys = FUNCTION_KEYS): object {
  const app = new App({ analyticsReporting: false });
  const stack = new SociIndexBuilderStack(app, 'SociIndexBuilder', {
    description: DESCRIPTION,
    // The construct's code is an asset here too; the parameters put something else in its place.
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
    parameters: (own) => createParameters(own, keys),
  });
  const reason =
    "Where the parameter for the boundary is none, its default, the roles' property is left out by a condition.";
  Validations.of(stack).acknowledge({ id: 'CloudFormation-Validate::W1030', reason });
  return app.synth().getStackArtifact(stack.artifactId).template as object;
}
