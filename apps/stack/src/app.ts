// App for `cdk deploy`. Settings come from the context: `-c filters='prod/*:*,dev:latest' -c memorySize=3538`.
import { App } from 'aws-cdk-lib';
import { stackFromContext } from './stack-from-context.ts';

stackFromContext(new App());
