/** One Nest application with one kind of guard, in a process of its own: `server.js <platform> <variant> <issuer> <options>`. */
import { makeApp } from './app.js';
import { answerQuestions } from './usage.js';

const [platform, variant, issuer, options = '{}'] = process.argv.slice(2);
const app = await makeApp(platform, variant, issuer, JSON.parse(options));
await app.listen(0, '127.0.0.1');
answerQuestions(`${await app.getUrl()}/things`);
