// The CDK, and the built construct and stack. They are loaded from `packages/construct`, because two copies of the CDK
// in a process do not work together. JavaScript, because the CDK's types do not pass the strict compiler options of
// these tests.
import { createRequire } from 'node:module';

const construct = createRequire(new URL('../../../packages/construct/package.json', import.meta.url));
const stack = createRequire(new URL('../../../apps/stack/package.json', import.meta.url));

/** The CDK. */
export const cdk = construct('aws-cdk-lib');

/** The built `@soci/construct`. */
export const { SociImagesInUse, SociIndexBuilder, SociIndexedImage, SociIndexVersion, SociRegistryJobs } =
  construct('./dist/index.js');

/** The stack of the plain template. */
export const { SociIndexBuilderStack } = stack('./dist/soci-index-builder-stack.js');
const { createParameters } = stack('./dist/template-parameters.js');
const { FUNCTION_KEYS } = stack('./dist/function-keys.js');

/** Makes the plain template. */
export const { plainTemplate } = stack('./dist/plain-template.js');

/** Creates the stack of the second plain template in an app. */
export const { createJobsStack } = stack('./dist/jobs-template.js');

/** Creates the parameters of the plain template. */
export const plainParameters = (scope) => createParameters(scope, FUNCTION_KEYS);
