// Package names computes the physical name of everything that Vinci names.
//
// Infrastructure and functions both use it, so that they find each other without
// CloudFormation exports and without a name in an environment variable: a
// function knows its application and its deployment, and computes the rest.
//
// A name is <app>-<deployment>-<name>. Application names may hold hyphens;
// deployment ids and definition names may not. A computed name can therefore be
// taken apart from its right end in one way only, and no two can collide.
package names
