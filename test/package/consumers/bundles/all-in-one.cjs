/** The Nest CLI's configuration of webpack, with every package in the bundle, minified. */
const { IgnorePlugin } = require('webpack');

const OPTIONAL =
  /^(class-(transformer|validator)|@nestjs\/(microservices|websockets)(\/.*)?|@fastify\/(multipart|static|view))$/;

module.exports = (options) => ({
  ...options,
  externals: [],
  mode: 'production',
  optimization: { minimize: true },
  plugins: [...options.plugins, new IgnorePlugin({ checkResource: (name) => OPTIONAL.test(name) })],
});
