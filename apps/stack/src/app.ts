// `cdk deploy`: the stack with what the context says, `-c filters='prod/*:*,dev:latest' -c memorySize=3538`.
import { App } from 'aws-cdk-lib';
import { stackOfContext } from './stack-of-context.ts';

stackOfContext(new App());
