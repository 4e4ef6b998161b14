// `cdk deploy`: the stack with the filters and version of the context, `-c filters=prod/*:*,dev:latest -c indexVersion=V2`.
import { App } from 'aws-cdk-lib';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';

const app = new App();
const filters = app.node.tryGetContext('filters') as string | undefined;
const indexVersion = app.node.tryGetContext('indexVersion') as string | undefined;
new SociIndexBuilderStack(app, (app.node.tryGetContext('stackName') as string | undefined) ?? 'SociIndexBuilder', {
  ...(filters !== undefined && { filters: filters.split(',') }),
  ...(indexVersion !== undefined && { indexVersion }),
});
