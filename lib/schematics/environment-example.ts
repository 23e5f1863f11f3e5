/** Appends the variables of AuthModule to `.env.example`. */
import { readText, write, type Tree } from './schematic.js';

const PATH = '.env.example';
/** The default of `envPrefix`. Not imported, because its file would load most of the package. */
const PREFIX = 'MONOCLOUD_BACKEND_';
const ISSUER = `${PREFIX}TENANT_DOMAIN`;

const VARIABLES = `# nestjs-resource-server: the issuer of the access tokens, as in its discovery document,
# and the audience of this API, as in the claim aud
${ISSUER}=https://auth.example.com
${PREFIX}AUDIENCE=https://api.example.com
`;

export function addEnvironmentExample(tree: Tree): void {
  const text = readText(tree, PATH);
  if (text === undefined || text.trim() === '') write(tree, PATH, VARIABLES);
  else if (!text.includes(`${ISSUER}=`) && !text.includes(`${PREFIX}ISSUER=`))
    write(tree, PATH, `${text.replace(/\n*$/, '\n\n')}${VARIABLES}`);
}
