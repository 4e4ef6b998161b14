// The CDK that the construct is developed with, and the construct and the stack as they are built. None is a dependency of the conformance
// package: what is loaded here is what `packages/construct` has, as two copies of the CDK in a process would not know each other.
// JavaScript, since the CDK's types are not made for the exactness that the other tests are checked with.
import { createRequire } from 'node:module';

const construct = createRequire(new URL('../../../packages/construct/package.json', import.meta.url));
const stack = createRequire(new URL('../../../apps/stack/package.json', import.meta.url));

/** The CDK. */
export const cdk = construct('aws-cdk-lib');

/** `@soci/construct`. */
export const { SociIndexBuilder, SociIndexedImage, SociIndexVersion } = construct('./dist/index.js');

/** The stack of the plain template, and what makes its parameters. */
export const { SociIndexBuilderStack } = stack('./dist/soci-index-builder-stack.js');
const { createParameters } = stack('./dist/template-parameters.js');
const { FUNCTION_KEYS } = stack('./dist/function-keys.js');

/** Makes the plain template. */
export const { plainTemplate } = stack('./dist/plain-template.js');

/** The parameters of the plain template, as it is made. */
export const plainParameters = (own) => createParameters(own, FUNCTION_KEYS);
