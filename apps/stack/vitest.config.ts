import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** The rules of CloudFormation, with which the CDK validates each app, take two thirds of the time. cfn-lint checks the templates. */
export default mergeConfig(shared, defineConfig({ test: { env: { CDK_VALIDATION: 'false' } } }));
